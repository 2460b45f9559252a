// The alarm console stays fresh by itself. While the pointer or the focus rests on a row, rows change in place, none
// moves, and new alarms are announced above the list; otherwise the whole table is replaced.
(function () {
  "use strict";

  var EVERY_MS = 10000;

  function table() { return document.getElementById("list_table"); }

  function busy() {
    var shown = table();
    if (!shown) return true;
    return shown.matches(":hover") || shown.contains(document.activeElement) || shown.querySelector('input[name="row"]:checked');
  }

  function fetchTable() {
    var headers = { "HX-Request": "true", "HX-Target": "list_table" };
    return fetch(window.location.href, { headers: headers, credentials: "same-origin" }).then(function (answer) {
      if (!answer.ok || answer.redirected) return null;
      return answer.text();
    }).then(function (text) {
      if (!text) return null;
      return new DOMParser().parseFromString(text, "text/html").getElementById("list_table");
    });
  }

  function replaceAll(fresh) {
    table().replaceWith(fresh);
    if (window.htmx) window.htmx.process(fresh);
    announce(0);
  }

  // Cells are replaced and not rows, so that focus and hover stay where they are.
  function changeInPlace(fresh) {
    var added = 0;
    fresh.querySelectorAll("tr[data-alarm]").forEach(function (row) {
      var shown = document.getElementById(row.id);
      if (!shown) { added += 1; return; }
      if (shown.contains(document.activeElement) && shown !== document.activeElement) return;
      if (shown.innerHTML === row.innerHTML) return;
      var chosen = shown.querySelector('input[name="row"]:checked');
      shown.innerHTML = row.innerHTML;
      if (chosen) shown.querySelector('input[name="row"]').checked = true;
      if (window.htmx) window.htmx.process(shown);
    });
    table().querySelectorAll("tr[data-alarm]").forEach(function (row) {
      row.classList.toggle("text-secondary", !fresh.querySelector("#" + row.id));
    });
    announce(added);
  }

  function announce(count) {
    var place = document.querySelector("[data-alarm-news]");
    if (!place) return;
    place.textContent = "";
    if (!count) return;
    place.append(count === 1 ? place.dataset.one : place.dataset.many.replace("%n", String(count)), " ");
    var button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm";
    button.textContent = place.dataset.show;
    button.addEventListener("click", function () {
      fetchTable().then(function (fresh) { if (fresh) replaceAll(fresh); });
    });
    place.append(button);
  }

  function refresh() {
    if (document.hidden || !table()) return;
    fetchTable().then(function (fresh) {
      if (!fresh) return;
      if (busy() && table().querySelector("tr[data-alarm]")) changeInPlace(fresh);
      else replaceAll(fresh);
    }).catch(function () { /* the next round tries again */ });
  }

  document.addEventListener("keydown", function (event) {
    if (event.key.toLowerCase() !== "a" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName)) return;
    var row = event.target.closest("tr[data-alarm]") || document.querySelector("tr[data-alarm]:hover");
    var form = row && row.querySelector("form[data-acknowledge]");
    if (!form) return;
    event.preventDefault();
    form.requestSubmit();
  });

  window.setInterval(refresh, EVERY_MS);
})();
