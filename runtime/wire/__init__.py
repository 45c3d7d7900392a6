"""A server over the wire: the loop of the client, its connection, the tasks in its queue and what they give back."""
