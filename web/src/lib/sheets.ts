// The sheets that are open, the top one last: the browser's way back closes it
// instead of changing the screen below, and when the last is closed focus goes
// back to where it was.

const open: (() => void)[] = [];
let before: HTMLElement | null = null;

/** Notes a sheet and how to ask it to close; answers what to call when it is gone. */
export function opened(close: () => void): () => void {
  const at = document.activeElement;
  if (at instanceof HTMLElement && at !== document.body && !at.closest('dialog')) before = at;
  open.push(close);
  return () => {
    open.splice(open.indexOf(close), 1);
    setTimeout(() => {
      if (open.length || (document.activeElement && document.activeElement !== document.body)) return;
      (before?.isConnected ? before : document.getElementById('content'))?.focus({ preventScroll: true });
    });
  };
}

/** Asks the top sheet to close; false if there is none. */
export function closeTop(): boolean {
  open.at(-1)?.();
  return open.length > 0;
}
