"""The part that lives inside the app.

`demo` (on the simulator), `warming` (the generation that pages see), `controls` (what pages ask and change),
`scheduler`.
"""
