// Follows changes: the page is loaded again when the issue or a template is another than it was made from.
const made = document.documentElement.dataset.version;
const live = document.getElementById("live");

async function follow() {
  try {
    const answer = await fetch("/version");
    if (answer.ok && (await answer.text()) !== made) {
      location.reload();
      return;
    }
    live.textContent = "Follows every change.";
  } catch {
    live.textContent = "The preview has ended.";
  }
  setTimeout(follow, 1000);
}

follow();
