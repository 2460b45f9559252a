// The little that pages do in the browser. Every page also works without it.
(function () {
  "use strict";

  // ---- theme: kept in a cookie, so that the server sends the right one and nothing flashes ----
  var root = document.documentElement;

  function showTheme(choice) {
    root.dataset.themeChoice = choice;
    if (choice === "auto") root.removeAttribute("data-bs-theme");
    else root.setAttribute("data-bs-theme", choice);
    document.querySelectorAll("[data-theme]").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.theme === choice));
    });
    document.dispatchEvent(new CustomEvent("themechange"));
  }

  function startTheme() {
    document.querySelectorAll("[data-theme-toggle]").forEach(function (toggle) { toggle.hidden = false; });
    showTheme(root.dataset.themeChoice || "auto");
  }

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-theme]");
    if (!button) return;
    document.cookie = "theme=" + button.dataset.theme + "; path=/; max-age=31536000; samesite=lax";
    showTheme(button.dataset.theme);
  });

  // ---- menus: close on Escape and on a click elsewhere ----
  function closeMenus(except) {
    document.querySelectorAll("details[data-menu][open]").forEach(function (menu) {
      if (menu !== except) menu.open = false;
    });
  }

  document.addEventListener("click", function (event) { closeMenus(event.target.closest("details[data-menu]")); });

  // A panel that would leave the page on the left opens to the right.
  document.addEventListener("toggle", function (event) {
    var from = event.target;
    if (!from.matches || !from.matches(".where-from") || !from.open) return;
    from.removeAttribute("data-side");
    var main = document.getElementById("content");
    var panel = from.querySelector(".where-panel");
    if (main && panel.getBoundingClientRect().left < main.getBoundingClientRect().left) from.dataset.side = "left";
  }, true);

  // ---- keys: "/" searches; data-hotkey on any control gives it one key ----
  function isTyping(target) {
    return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
  }

  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") closeMenus(null);
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    var control = document.querySelector('[data-hotkey="' + CSS.escape(event.key) + '"]');
    if (!control) return;
    event.preventDefault();
    if (isTyping(control)) { control.focus(); control.select(); } else control.click();
  });

  // ---- lists: one box chooses all rows ----
  document.addEventListener("change", function (event) {
    if (!event.target.matches("[data-choose-all]")) return;
    event.target.closest("table").querySelectorAll('input[name="row"]').forEach(function (box) {
      box.checked = event.target.checked;
    });
  });

  // ---- filters: nothing empty goes into the address ----
  document.addEventListener("htmx:configRequest", function (event) {
    var asked = event.detail;
    if (asked.verb !== "get" || !event.target.matches(".filter-bar")) return;
    Array.from(new Set(Array.from(asked.formData.keys()))).forEach(function (name) {
      var kept = asked.formData.getAll(name).filter(function (value) { return value !== ""; });
      asked.formData.delete(name);
      kept.forEach(function (value) { asked.formData.append(name, value); });
    });
  });

  document.addEventListener("submit", function (event) {
    if (!event.target.matches(".filter-bar")) return;
    event.target.querySelectorAll("input, select").forEach(function (field) { if (field.value === "") field.disabled = true; });
    setTimeout(function () {
      event.target.querySelectorAll(":disabled").forEach(function (field) { field.disabled = false; });
    }, 0);
  });

  // ---- live fragments: a failed refresh says so instead of showing old values as new ----
  document.addEventListener("htmx:sendError", function (event) { event.target.classList.add("is-stale"); });
  document.addEventListener("htmx:responseError", function (event) { event.target.classList.add("is-stale"); });
  document.addEventListener("htmx:afterRequest", function (event) {
    if (event.detail.successful) event.target.classList.remove("is-stale");
  });

  // ---- what refreshes itself rests while nobody looks ----
  document.addEventListener("htmx:beforeRequest", function (event) {
    if (document.hidden && event.target.matches("[data-live]")) event.preventDefault();
  });

  // ---- the narrow navigation starts at the current entry ----
  function showCurrentEntry() {
    var current = document.querySelector('.side [aria-current="page"]');
    var list = current && current.closest(".side-list");
    if (list && list.scrollWidth > list.clientWidth) list.scrollLeft = current.offsetLeft - list.clientWidth / 2 + current.offsetWidth / 2;
  }

  document.addEventListener("click", function (event) { if (event.target.closest("[data-print]")) window.print(); });

  startTheme();
  showCurrentEntry();
})();
