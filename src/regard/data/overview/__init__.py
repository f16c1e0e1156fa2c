"""What a log looks like before and after cleaning, in numbers few enough to draw and to print."""
