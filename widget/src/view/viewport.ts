/**
 * On phones, and in windows so short or so far zoomed that a floating panel would show nothing, the panel is the
 * screen. When the keyboard rises, it ends above it instead of behind it.
 */
export function fitScreen(frame: HTMLElement, panel: HTMLElement, always: boolean): void {
  const small = matchMedia('(max-width: 479.98px), (max-height: 479.98px)');
  const view = window.visualViewport;
  const fit = (): void => {
    const full = always || small.matches;
    frame.classList.toggle('full', full);
    const covered = full && view?.scale === 1 && view.height < innerHeight - 1;
    panel.style.top = covered ? `${view.offsetTop}px` : '';
    panel.style.bottom = covered ? 'auto' : '';
    panel.style.height = covered ? `${view.height}px` : '';
  };
  small.addEventListener('change', fit);
  view?.addEventListener('resize', fit);
  view?.addEventListener('scroll', fit);
  fit();
}
