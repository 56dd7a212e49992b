// Looks again after `data-wait` seconds, or goes on to `data-go`. The link on the page does the same by hand. What is
// gone on from leaves no trace: going back from the payment page leads to where one chose to pay, not on again.
const { wait, go } = document.currentScript.dataset;
setTimeout(() => (go ? location.replace(go) : location.reload()), Number(wait) * 1000);
