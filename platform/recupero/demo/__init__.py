"""The demo agency: invented people, real pipeline. Nothing here is inserted behind a room's back."""
