"""What the panel asks for, as functions of plain data: no file is read, nothing of ComfyUI is looked up.

service   what each route answers; requests: what the page asks, read once
shown     the script shown of a graph; fit_values, put_values, value_changes, comments: what of a person's text stays
as_queued a script as a prompt with the graph's own ids
apply     what makes the open graph the script; match: which node is which; edits: what differs; remarks: what is odd
to_node   a selection of nodes as one ComfyScript node; selection: its edge; node_text: its script
reading   a script as a prompt; script_calls: where in its text a value stands; strings: where its texts stand
catalog   the schemas for completion; runnable: a script as a file that Python runs
"""
