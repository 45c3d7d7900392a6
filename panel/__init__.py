"""What the panel asks for, as functions of plain data: match, apply, follow, catalog."""
