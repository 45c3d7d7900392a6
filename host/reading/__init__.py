"""Foreign texts and files are read in a process of their own, which has no torch, no packs and no server in it.

text_reader   the process, from the server's side: started when it is needed, ended when it oversteps
overstepping  what ends it
child         the process, from its own side: what is run in it
answers       what it answers
frames        what goes through its pipes
descriptions  node classes, told to it once and again when they change
"""

from .answers import Question
from .text_reader import TextReader

__all__ = ['Question', 'TextReader']
