"""What `pageline doctor` looks at: each module looks at one thing and says what is wrong and what helps."""
