// Looks again after `data-wait` seconds, or goes on to `data-go`. The link on the page does the same by hand.
const { wait, go } = document.currentScript.dataset;
setTimeout(() => (go ? location.assign(go) : location.reload()), Number(wait) * 1000);
