"""How each user's server works: the Rust kernel alone, idle kernels end, and nothing is asked of other hosts."""

c = get_config()  # noqa: F821
# A kernel that has done nothing for half an hour ends, also where its notebook is open; one that computes does not.
c.MappingKernelManager.cull_idle_timeout = 1800
c.MappingKernelManager.cull_interval = 60
c.MappingKernelManager.cull_connected = True
# A whole class that starts its kernels at the same time makes each of them slow to answer at first.
c.MappingKernelManager.kernel_info_timeout = 300
c.KernelSpecManager.ensure_native_kernel = False
c.KernelSpecManager.allowed_kernelspecs = {"rust"}
c.MultiKernelManager.default_kernel_name = "rust"
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
