// A classic script in the head, so that the page is never painted in the other theme first.
(() => {
  let kept = null;
  try {
    kept = localStorage.getItem("adit-theme");
  } catch {
    // Storage is refused: the system decides.
  }
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
})();
