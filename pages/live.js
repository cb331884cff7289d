// Keeps live parts of a page up to date. An element with data-live names an address below this app; its JSON answer
// holds HTML by the names that stand in data-part. All parts of one address come with one request a second. And lets one
// step back in the browser lead to the page before.
(() => {
  if (window.garimpoLive) return;
  window.garimpoLive = true;
  const PERIOD_MS = 1000;
  const asking = new Set(), shown = new WeakMap();

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
    const before = inner(place).map((box) => [box.scrollTop, box.scrollLeft, box === document.activeElement]);
    place.innerHTML = html;
    shown.set(place, html);
    inner(place).forEach((box, at) => {
      const [top, left, focused] = before[at] ?? [0, 0, false];
      box.scrollTop = top;
      box.scrollLeft = left;
      if (focused) box.focus({ preventScroll: true });
    });
  }

  const inner = (place) => [...place.querySelectorAll("[tabindex]")]; // what scrolls

  function isBeingRead(place) { // words that somebody has marked stay until they are no longer
    const marked = document.getSelection();
    return marked && !marked.isCollapsed && place.contains(marked.anchorNode);
  }

  function tick() {
    keepLanguage();
    nameLanguage();
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

  setInterval(tick, PERIOD_MS);
  document.addEventListener("visibilitychange", tick);
})();
