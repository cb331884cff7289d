"""A run: the graph of tasks, what it holds open, and what executes it.

`context` (what a run holds open), `planner` (what to ask next), `items` (how each fares), `tasks`, `dag` (the graph),
`retries` (what a run left), `preview` (a dry run), `progress` (what is told), `reckoning` (how attempts ended),
`elsewhere` (another system's workers), `fanout` (a mapped task), `runner`; `stepping` and `external`: a run whose steps
another system calls.
"""
