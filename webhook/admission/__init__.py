"""One review from body to answer: the only place where deciding and fetching meet."""
