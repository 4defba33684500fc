"""The napari side: the only place that imports napari, magicgui or Qt."""
