// Tries a whole group again, in parts, and shows how far it is. Without this script the form does it, a page for each
// thousand.
"use strict";
(() => {
  const parts = async (form) => {
    const button = form.querySelector("button");
    const progress = form.querySelector("progress");
    const result = form.querySelector(".result");
    const fields = Object.fromEntries(new FormData(form));
    const sum = { accepted: 0, rejected: 0 };
    button.disabled = true;
    progress.hidden = false;
    try {
      for (let cursor; cursor !== null; ) {
        const body = JSON.stringify({ ...fields, limit: 100, ...(cursor ? { cursor } : {}) });
        const headers = { "Content-Type": "application/json", Accept: "application/json" };
        const answer = await fetch(form.action, { method: "POST", headers, body });
        if (!answer.ok) throw new Error("the server answered " + answer.status);
        const said = await answer.json();
        sum.accepted += said.accepted;
        sum.rejected += said.rejected;
        cursor = said.next_cursor;
        progress.value = sum.accepted + sum.rejected;
        result.textContent = sum.accepted + " taken in, " + sum.rejected + " still not valid";
      }
      progress.hidden = true;
    } catch (error) {
      result.textContent += " It stopped: " + error.message + ". Try again.";
      button.disabled = false;
    }
  };

  for (const form of document.querySelectorAll("form.replay"))
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      parts(form);
    });
})();
