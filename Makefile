stubs:
	.venv/bin/python -m pybind11_stubgen cofire._core -o build/stubs --numpy-array-use-type-var
	sed '/^__all__/d' build/stubs/cofire/_core.pyi > python/cofire/_core.pyi
