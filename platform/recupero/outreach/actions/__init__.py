"""An action's life: its kinds and states, the point it goes to, and what waits for a person's yes."""
