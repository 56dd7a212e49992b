"""Call scripts: what is said on a call, step by step, the same for an agent's screen and for the voice bot.

`shape` is what a script consists of, `checks` what makes one fit for use, `walk` how a call goes through it,
`saying` how its words are filled in; `store` keeps an agency's own scripts. Each call's way through one is
kept in `calls.runs`.
"""
