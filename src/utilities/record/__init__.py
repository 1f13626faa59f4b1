"""What is kept and shown of experiments: run folders, results, pictures, comparisons."""
