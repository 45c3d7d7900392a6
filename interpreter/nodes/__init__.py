"""Scripts that call nodes: what runs them, what makes a prompt of them, what sockets they ask for."""
