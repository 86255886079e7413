"""In which order are hits, read beside the question?"""
