"""A pack whose node writes down each time that it runs."""

COUNTING = """
from pathlib import Path
import folder_paths

class Counting:
    @classmethod
    def INPUT_TYPES(cls):
        return {'required': {'value': ('INT', {'default': 0, 'min': -1000, 'max': 1000})}}
    RETURN_TYPES = ('INT',)
    FUNCTION = 'run'
    def run(self, value):
        with open(Path(folder_paths.get_output_directory()) / 'runs.txt', 'a', encoding='utf-8') as file:
            file.write(f'{value}\\n')
        return (value + 1,)

NODE_CLASS_MAPPINGS = {'Counting': Counting}
"""
