"""Calls that the house leads by itself: what a provider asks turn by turn is joined to the call scripts.

`service` takes each moment of a call and gives the next turn; `dialogue` goes through the script with whoever
is on the line and `ending` ends it; `hearing` reads keys and speech; `memory` stays from turn to turn;
`people` finds whom a call can be put through to; `turns` keeps each answer, so that a question that is asked
twice is answered alike.
"""
