// Runs before the first paint so that a chosen theme never flashes the other one. Kept outside the bundle: it must block.
(() => {
  const root = document.documentElement;
  try {
    const saved = JSON.parse(localStorage.getItem('parley.appearance') ?? '{}');
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = saved.theme === 'dark' || (saved.theme !== 'light' && dark) ? 'dark' : 'light';
    const accent = JSON.parse(localStorage.getItem('parley.accent') ?? '{}');
    if (Number.isFinite(accent.hue)) root.style.setProperty('--accent-hue', String(accent.hue));
    if (Number.isFinite(accent.chroma)) root.style.setProperty('--accent-chroma', String(accent.chroma));
    root.dataset.density = saved.density === 'comfortable' ? 'comfortable' : 'dense';
  } catch {
    root.dataset.theme = 'light';
  }
})();
