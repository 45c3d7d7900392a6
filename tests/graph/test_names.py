import pytest

from comfy_script.graph import NameTable, hashed_name, to_class_name, to_identifier, to_variable_name, unique_names


@pytest.mark.parametrize(
    ('raw', 'name'),
    [
        ('KSampler', 'KSampler'),
        ('KSampler (Efficient)', 'KSamplerEfficient'),
        ('ShowText|pysssss', 'ShowTextPysssss'),
        ('SVD_img2vid_Conditioning', 'SVDImg2vidConditioning'),
        ('ModelMergeSD3_2B', 'ModelMergeSD3_2B'),
        ('CONTROL_NET', 'ControlNet'),
        ('IMAGE', 'Image'),
        ('4x foo', '_4xFoo'),
        ('none', 'None_'),
        ("__import__('os')", 'ImportOs'),
        ('图像 缩放', '图像_缩放'),
    ],
)
def test_class_name(raw, name):
    assert to_class_name(raw) == name
    assert name.isidentifier()


@pytest.mark.parametrize('raw', ['', '???', '\n', '_', '\u202e', 'ﬁ', 'a\u0301 b', '1', 'lambda', 'é' * 1000])
def test_any_name_becomes_an_identifier_that_python_reads_back_unchanged(raw):
    for convert in (to_class_name, to_identifier, to_variable_name, hashed_name):
        name = convert(raw)
        assert name.isidentifier()
        scope = {}
        exec(f'{name} = 1', scope)
        assert scope[name] == 1


def test_two_class_types_with_one_name_stay_two():
    table = NameTable(['ImageResize+', 'ImageResize', 'Image-Resize'])
    assert table.name_of('ImageResize') == 'ImageResize'
    assert table.name_of('ImageResize+') == hashed_name('ImageResize+')
    names = [table.name_of(raw) for raw in ('ImageResize+', 'ImageResize', 'Image-Resize')]
    assert len(set(names)) == 3
    assert [table.class_type_of(name) for name in names] == ['ImageResize+', 'ImageResize', 'Image-Resize']


def test_the_hashed_form_works_without_a_collision_too():
    assert NameTable(['ImageResize+']).name_of('ImageResize+') == 'ImageResize'
    assert NameTable(['ImageResize+']).class_type_of(hashed_name('ImageResize+')) == 'ImageResize+'


def test_a_node_does_not_take_the_name_of_the_runtime_or_a_builtin():
    table = NameTable(['Workflow', 'ValueError', 'Checkpoints'])
    for raw in ('Workflow', 'ValueError', 'Checkpoints'):
        assert table.name_of(raw) == hashed_name(raw)


def test_inputs_of_one_node_get_different_names():
    names = unique_names(['a b', 'a_b', 'a-b', 'from'])
    assert names['a_b'] == 'a_b'
    assert names['from'] == 'from_'
    assert len(set(names.values())) == 4
