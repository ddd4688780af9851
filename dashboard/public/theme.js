// Runs before the first paint so that a chosen theme never flashes the other one. Kept outside the bundle: it must block.
(() => {
  const root = document.documentElement;
  try {
    const saved = JSON.parse(localStorage.getItem('parley.appearance') ?? '{}');
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = saved.theme === 'dark' || (saved.theme !== 'light' && dark) ? 'dark' : 'light';
    root.dataset.density = saved.density === 'comfortable' ? 'comfortable' : 'dense';
  } catch {
    root.dataset.theme = 'light';
  }
})();
