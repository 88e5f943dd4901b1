// Shows what the stream says, newest first. Nothing that somebody else wrote becomes markup: texts are put into text
// nodes, and characters that hide or turn others are shown as escapes.
"use strict";
(() => {
  const MOST = 200;
  const live = document.getElementById("live");
  const feed = document.getElementById("feed");
  const pause = document.getElementById("pause");
  const state = document.getElementById("state");
  const count = document.getElementById("count");
  // The same characters as on the pages that are made on the server.
  const hidden =
    /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/u;
  let waiting = [];
  let arrived = 0;

  const say = (text, kind) => {
    state.textContent = text;
    state.className = "badge " + kind;
  };

  const text = (value) => {
    const bdi = document.createElement("bdi");
    let plain = "";
    const flush = () => {
      bdi.append(plain);
      plain = "";
    };
    for (const character of value) {
      if (!hidden.test(character)) {
        plain += character;
        continue;
      }
      flush();
      const escape = document.createElement("span");
      escape.className = "esc";
      for (let at = 0; at < character.length; at++)
        escape.textContent += "\\u" + character.charCodeAt(at).toString(16).padStart(4, "0");
      bdi.append(escape);
    }
    flush();
    return bdi;
  };

  const link = (path, value) => {
    const a = document.createElement("a");
    a.setAttribute("href", path);
    a.append(text(value));
    return a;
  };

  // A browser takes "." and ".." out of a path, however they are written.
  const session = (id) =>
    id === "." || id === ".." ? live.dataset.sessionEvents + id : live.dataset.sessions + encodeURIComponent(id).replaceAll(".", "%2E");

  const row = (cells) => {
    const tr = document.createElement("tr");
    tr.className = "new";
    for (const [kind, ...content] of cells) {
      const td = document.createElement("td");
      td.className = kind;
      td.append(...content);
      tr.append(td);
    }
    return tr;
  };

  // The text between the braces as it was sent: read and written anew, numbers would lose digits.
  const data = (json) => {
    let depth = 0;
    let string = false;
    for (let at = 0; at < json.length; at++) {
      const c = json[at];
      if (string) {
        if (c === "\\") at++;
        else if (c === '"') string = false;
      } else if (c === '"') {
        if (depth === 1 && json.startsWith('"data":', at)) return json.slice(at + 7, json.lastIndexOf(',"timestamp":'));
        string = true;
      } else if (c === "{" || c === "[") depth++;
      else if (c === "}" || c === "]") depth--;
    }
    return "";
  };

  const event = (message) => {
    const it = JSON.parse(message.data);
    // The rows of the page have the other format of times.
    const time = it.timestamp.replace(" ", "T").replace(/Z?$/, "Z");
    const key = it.id + " " + time + (it.application ? " " + it.application : "");
    if (feed.querySelector('tr[data-key="' + CSS.escape(key) + '"]')) return null;
    const tr = row([
      ["time", link(live.dataset.events + encodeURIComponent(it.id), it.timestamp)],
      ["text", text(it.category), " ", text(it.name)],
      ["text", link(session(it.session_id), it.session_id)],
      ["text mono", text(data(message.data))],
    ]);
    tr.dataset.key = key;
    return tr;
  };

  const rejected = (message) => {
    const it = JSON.parse(message.data);
    const badge = document.createElement("span");
    badge.className = "badge bad";
    badge.textContent = it.kind === "refused" ? "refused" : "dead letter";
    return row([
      ["time", link(live.dataset.rejected + encodeURIComponent(it.id), it.received_at)],
      ["text", badge, " ", text(it.reason)],
      ["text", ""],
      ["text mono", text(it.body)],
    ]);
  };

  const gap = (message) => {
    const tr = row([["text", text(JSON.parse(message.data).reason)]]);
    tr.firstChild.colSpan = 4;
    return tr;
  };

  const counted = () => {
    const behind = waiting.length ? waiting.length + " waiting" : "";
    count.textContent = behind || (arrived ? arrived + " arrived" : "");
  };

  const show = (make) => (message) => {
    const tr = make(message);
    if (!tr) return;
    arrived++;
    if (pause.getAttribute("aria-pressed") === "true") {
      waiting.push(tr);
      if (waiting.length > MOST) waiting.shift();
    } else feed.prepend(tr);
    while (feed.rows.length > MOST) feed.deleteRow(-1);
    counted();
  };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    if (!paused) {
      for (const tr of waiting) feed.prepend(tr);
      waiting = [];
      while (feed.rows.length > MOST) feed.deleteRow(-1);
    }
    counted();
  });

  // A browser connects again by itself after a break, but not after an answer that is an error.
  const AGAIN = 5000;
  let last = "";
  const connect = () => {
    say("Connecting", "warn");
    const url = new URL(live.dataset.stream, location.href);
    if (last) url.searchParams.set("last_event_id", last);
    const stream = new EventSource(url);
    stream.addEventListener("open", () => say("Live", "good"));
    stream.addEventListener("error", () => {
      say("Connecting again", "warn");
      if (stream.readyState === EventSource.CLOSED) setTimeout(connect, AGAIN);
    });
    for (const [name, make] of [["event", event], ["rejected", rejected], ["gap", gap]])
      stream.addEventListener(name, (message) => {
        last = message.lastEventId;
        show(make)(message);
      });
  };
  connect();
})();
