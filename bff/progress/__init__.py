"""How far an upload is: what it reports, and what may be watched, in this process or in Redis."""
