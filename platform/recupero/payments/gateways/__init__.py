"""Payment providers: links, what they are asked to take, and the door by which they tell."""
