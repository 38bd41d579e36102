/** The figures of a bar where somebody points at it, or comes to it by the keyboard. */

const tip = document.getElementById("tip") as HTMLElement;

function show(text: string, x: number, y: number): void {
  tip.textContent = text;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.max(4, Math.min(x + 14, innerWidth - width - 8));
  const top = y + 18 + height > innerHeight ? y - height - 10 : y + 18;
  tip.style.translate = `${left}px ${Math.max(4, top)}px`;
}

const tipOf = (target: EventTarget | null): HTMLElement | null =>
  target instanceof Element ? target.closest<HTMLElement>("[data-tip]") : null;

export function withTips(): void {
  document.addEventListener("pointermove", ({ target, clientX, clientY }) => {
    const over = tipOf(target);
    if (over === null) tip.hidden = true;
    else show(over.dataset.tip ?? "", clientX, clientY);
  });
  document.addEventListener("focusin", ({ target }) => {
    const over = tipOf(target);
    if (over === null || !over.matches(":focus-visible")) return;
    const { left, bottom } = over.getBoundingClientRect();
    show(over.dataset.tip ?? "", left, bottom - 14);
  });
  for (const end of ["focusout", "pointerleave", "scroll"] as const)
    document.addEventListener(end, () => {
      tip.hidden = true;
    });
}
