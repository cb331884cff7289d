// Keeps live parts of a page up to date. An element with data-live names an address below this app; its JSON answer
// holds HTML by the names that stand in data-part. All parts of one address come with one request a second. Tells those who
// hear the page what changed, and lets one step back in the browser lead to the page before.
(() => {
  if (window.garimpoLive) return;
  window.garimpoLive = true;
  const PERIOD_MS = 1000;
  const asking = new Set(), shown = new WeakMap();
  const voice = Object.assign(document.createElement("div"), { id: "g-voice" });
  voice.setAttribute("role", "status");
  let heard = {};

  async function renew(address, places) {
    if (asking.has(address)) return;
    asking.add(address);
    try {
      const answer = await fetch(address, { cache: "no-cache" });
      if (!answer.ok) return;
      const { parts } = await answer.json();
      for (const place of places) show(place, parts[place.dataset.part]);
    } catch {
      // the server is away: Streamlit says so, and the next second asks again
    } finally {
      asking.delete(address);
    }
  }

  function show(place, html) {
    if (html === undefined || shown.get(place) === html || isBeingRead(place)) return;
    const made = document.createElement("div");
    made.innerHTML = html;
    liken(place, made);
    shown.set(place, html);
  }

  // Gives an element what another holds, and changes no more than differs: whoever hears the page, points at something,
  // scrolls or has the focus in it stays where they are.
  function liken(place, made) {
    const there = [...place.childNodes], wanted = [...made.childNodes];
    wanted.forEach((node, at) => {
      const kept = there[at];
      if (kept === undefined) place.append(node);
      else if (kept.nodeName !== node.nodeName) kept.replaceWith(node);
      else if (kept.nodeType !== Node.ELEMENT_NODE) kept.data === node.data || (kept.data = node.data);
      else {
        for (const { name } of [...kept.attributes]) node.hasAttribute(name) || kept.removeAttribute(name);
        for (const { name, value } of node.attributes) {
          kept.getAttribute(name) === value || kept.setAttribute(name, value);
        }
        liken(kept, node);
      }
    });
    there.slice(wanted.length).forEach((node) => node.remove());
  }

  function isBeingRead(place) { // words that somebody has marked stay until they are no longer
    const marked = document.getSelection();
    return marked && !marked.isCollapsed && place.contains(marked.anchorNode);
  }

  function tick() {
    keepLanguage();
    nameLanguage();
    bindWords();
    speak();
    if (document.hidden) return;
    const found = new Map();
    for (const place of document.querySelectorAll("[data-live]")) {
      const address = place.dataset.live;
      found.set(address, [...(found.get(address) ?? []), place]);
    }
    found.forEach((places, address) => renew(address, places));
  }

  function keepLanguage() { // a language that somebody chose holds for later visits with this browser
    const chosen = document.querySelector("[data-language]")?.dataset.language;
    const cookie = `garimpo_language=${chosen}`;
    if (chosen && !document.cookie.split("; ").includes(cookie)) {
      document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax`;
    }
  }

  function nameLanguage() { // for whoever hears or translates the page: Streamlit calls every one English
    const spoken = document.querySelector(".g-foot")?.lang;
    if (spoken) document.documentElement.lang = spoken;
  }

  function bindWords() { // what stands on the page about a field, below or beside it, is said with the field
    for (const field of document.querySelectorAll("[aria-describedby^=about-]")) {
      if (document.getElementById(field.getAttribute("aria-describedby"))) continue;
      field.removeAttribute("aria-describedby");
      field.removeAttribute("aria-invalid");
    }
    for (const words of document.querySelectorAll("[data-about]")) {
      const field = document.querySelector(`.st-key-${words.dataset.about} :is(input, [role=group])`);
      field?.setAttribute("aria-describedby", words.id);
      if (words.getAttribute("role") === "alert") field?.setAttribute("aria-invalid", "true");
    }
  }

  function speak() { // says once what changed on a page: how a run stands, how many a list has found; never what counts up
    if (!voice.isConnected) document.body.append(voice);
    const said = [...document.querySelectorAll("[data-told]")].map((each) => each.innerText.trim()).join(". ");
    if (!said) return; // the page is being drawn
    if (heard.page === location.pathname && heard.said !== said) voice.textContent = said;
    heard = { page: location.pathname, said };
  }

  // Streamlit enters a change of page into the history twice: first with the new words after "?" at the old page, which
  // nobody has seen. The second takes the place of the first, so that one step back leads to what was left.
  const push = history.pushState.bind(history);
  let unseen = ""; // the address of such an entry
  history.pushState = (state, title, address) => {
    const next = new URL(address, location), { pathname } = location;
    if (unseen === location.href && next.pathname !== pathname && next.search === location.search) {
      history.replaceState(state, title, address);
    } else {
      push(state, title, address);
    }
    unseen = next.pathname === pathname ? next.href : "";
  };

  tick();
  setInterval(tick, PERIOD_MS);
  document.addEventListener("visibilitychange", tick);
})();
