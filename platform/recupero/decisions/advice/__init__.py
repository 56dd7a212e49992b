"""What is said beside a plan: which number first, which offer, if a promise holds, what may be agreed."""
