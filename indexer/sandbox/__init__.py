"""Foreign files in, documents out: taken apart in processes of their own, with limits."""
