"""Labels at work: given by words, by a few examples, learnt, doubted, and saved as metadata.

    classification   the best of a list of labels for each asset, by what a model makes of words
    propagation      labels of some assets spread to their neighbours that have none
    label_errors     labels that the vectors speak against
    probe            how well the vectors tell a field's classes apart, and what is typical of each

`labelled` reads classes from a metadata field; `saving` writes labels into one.
"""
