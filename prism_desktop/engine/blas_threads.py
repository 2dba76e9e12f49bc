"""The threads of NumPy's and SciPy's linear algebra: one in each process.

Their matrices are small here, and a window, a worker and a comparison share the cores: threads that
wait for one another cost many times the work. Torch has threads of its own, see the setting
`threads`. This must be told to a process before it imports NumPy.
"""

ONE_BLAS_THREAD = {"OPENBLAS_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1"}
