/* Before anything is drawn: the colours that were chosen last. A classic script, so that nothing flashes. */
try {
  const chosen = localStorage.getItem("pageline.theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is closed to the page: it follows the system.
}
