// Charts of time series (uPlot) and of a year (canvas), drawn from JSON that the server decimated.
//
// A chart is a <figure data-chart="lines|heatmap" data-chart-id="ID">, made by components/chart.html. Its data stands
// in a <script type="application/json" id="ID"> (the json_script filter) or at the address in data-chart-url.
//
// Contract of kind "lines" (the default); times are epoch seconds, UTC, ascending, at most 1,000:
//   {"title": "Heat delivered", "zone": "Europe/Berlin",
//    "at": [1760000000, ...],
//    "series": [{"label": "Supply", "unit": "°C", "color_token": "heat-supply",
//                "values": [42.1, null, ...],          // null is a gap
//                "estimated": [false, true, ...],      // optional: drawn dashed over a hatched ground
//                "kind": "line"}],                     // line (default), area, step or bars; step and bars last
//                                                      // from their instant to the next one
//    "bands": [{"from": 1760000000, "until": 1760003600, "label": "Planned work", "kind": "planned"}]}
//                                                      // planned, alarm, outage or demand
//   "unit" beside "title" is the unit of every series that names none. Series of one unit share an axis.
//
// Contract of kind "heatmap" (a year, day by hour; 23- and 25-hour days are the server's to fold):
//   {"title": "Heat delivered", "unit": "kWh", "color_token": "heat-supply",
//    "days": ["2026-01-01", ...], "values": [[24 numbers or null], ...],
//    "estimated": [[day, hour], ...],                  // optional, by index: hatched over their color
//    "absent": [[day, hour], ...],                     // optional: hours that the clock left out, or that are to come
//    "low": 0, "high": 42.5,                           // optional: values at which the colors begin and end
//    "least": 0, "most": 57.1}                         // optional: the outermost values
//
// Tokens are the colors of portal.css without the dashes: heat-supply, heat-return, heat-rejected, power, ok, warn, bad,
// unknown, accent. Other scripts may call Heatledger.charts.draw(element) after they insert a chart.
(function () {
  "use strict";

  var BAND_TOKENS = { planned: "accent", alarm: "bad", outage: "unknown", demand: "heat-supply" };
  var SHADES = 8;
  var drawn = new Map();

  // ---- small tools ---------------------------------------------------------------------------------------

  function words(figure, name, fallback) { return figure.dataset[name] || fallback; }

  function element(tag, attributes, text) {
    var made = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (name) { made.setAttribute(name, attributes[name]); });
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // A custom property holds "light-dark(...)" as written; only a real property resolves it.
  function color(token, alpha) {
    var probe = element("span");
    probe.hidden = true;
    probe.style.color = "var(--" + token + ")";
    document.body.append(probe);
    var parts = getComputedStyle(probe).color.match(/[\d.]+/g) || [0, 0, 0];
    probe.remove();
    return "rgba(" + parts.slice(0, 3).join(",") + "," + (alpha === undefined ? 1 : alpha) + ")";
  }

  function format(value) {
    if (value === null || value === undefined) return "–";
    return new Intl.NumberFormat(document.documentElement.lang || "en", { maximumSignificantDigits: 4 }).format(value);
  }

  function instant(at, zone) {
    var options = { dateStyle: "medium", timeStyle: "short", timeZone: zone || "UTC" };
    return new Intl.DateTimeFormat(document.documentElement.lang || "en", options).format(new Date(at * 1000));
  }

  function download(name, rows) {
    var text = rows.map(function (row) {
      return row.map(function (cell) {
        var shown = cell === null || cell === undefined ? "" : String(cell);
        return /[",\n]/.test(shown) ? '"' + shown.replace(/"/g, '""') + '"' : shown;
      }).join(",");
    }).join("\r\n");
    var link = element("a", { download: name.toLowerCase().replace(/[^a-z0-9]+/g, "-") + ".csv" });
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 1000);
  }

  function hatch(token, alpha) {
    var tile = element("canvas", { width: 8, height: 8 });
    var pen = tile.getContext("2d");
    pen.strokeStyle = color(token, alpha || 0.35);
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(0, 8); pen.lineTo(8, 0); pen.moveTo(-2, 2); pen.lineTo(2, -2); pen.moveTo(6, 10); pen.lineTo(10, 6);
    pen.stroke();
    return pen.createPattern(tile, "repeat");
  }

  // ---- tools under a chart: values as a table, download --------------------------------------------------

  function tools(figure, rowsOf, title) {
    var bar = element("div", { class: "chart-tools" });
    var file = figure.dataset.csvUrl;
    var save = element(file ? "a" : "button", file ? { class: "btn btn-sm", href: file, download: "" } : { type: "button", class: "btn btn-sm" }, words(figure, "saveLabel", "Download CSV"));
    if (!file) save.addEventListener("click", function () { download(title, rowsOf(true)); });
    var details = element("details", { class: "chart-values" });
    details.append(element("summary", { class: "btn btn-sm" }, words(figure, "tableLabel", "Show as table")));
    details.addEventListener("toggle", function () { if (details.open) fillTable(details, rowsOf(false), title); });
    bar.append(save, details);
    return bar;
  }

  function fillTable(details, rows, title) {
    details.querySelectorAll(".chart-table").forEach(function (old) { old.remove(); });
    var holder = element("div", { class: "chart-table", tabindex: "0", role: "region", "aria-label": title });
    var table = element("table", { class: "table" });
    rows.forEach(function (row, index) {
      var line = table.insertRow();
      row.forEach(function (cell, column) {
        var head = index === 0;
        var made = element(head ? "th" : "td", head ? { scope: "col" } : {}, typeof cell === "number" ? format(cell) : cell === null ? "–" : cell);
        if (column > 0) made.className = "numeric";
        line.append(made);
      });
    });
    holder.append(table);
    details.append(holder);
  }

  // ---- lines ---------------------------------------------------------------------------------------------

  function unitOf(data, series) { return series.unit || data.unit || ""; }

  // A series with estimated values becomes two lines: the measured one and, where it was estimated, a dashed one
  // that also takes in the neighbors, so that the two meet.
  function split(series) {
    if (!series.estimated || !series.estimated.some(Boolean)) return [{ series: series, values: series.values, dashed: false }];
    var flags = series.estimated;
    var near = function (index) { return flags[index] || flags[index - 1] || flags[index + 1]; };
    return [
      { series: series, values: series.values.map(function (value, i) { return flags[i] ? null : value; }), dashed: false },
      { series: series, values: series.values.map(function (value, i) { return near(i) ? value : null; }), dashed: true },
    ];
  }

  function pathsOf(kind) {
    if (kind === "bars") return uPlot.paths.bars({ size: [0.9, 100], align: 1 });
    if (kind === "step") return uPlot.paths.stepped({ align: 1 });
    return uPlot.paths.linear();
  }

  function lineOptions(data, part) {
    var token = part.series.color_token || "accent";
    var kind = part.series.kind || "line";
    var filled = kind === "area" || kind === "bars";
    return {
      label: part.series.label,
      scale: unitOf(data, part.series) || "y",
      stroke: color(token),
      width: kind === "bars" ? 0 : 1.6,
      dash: part.dashed ? [5, 4] : undefined,
      fill: filled ? (part.dashed ? hatch(token) : color(token, kind === "bars" ? 0.75 : 0.22)) : undefined,
      paths: pathsOf(kind),
      points: { show: false },
      spanGaps: false,
    };
  }

  function axesOf(data) {
    var units = data.series.map(function (series) { return unitOf(data, series) || "y"; });
    units = Array.from(new Set(units)).slice(0, 3);
    var ink = color("ink-soft"), line = color("line");
    var common = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 }, font: "12px system-ui, sans-serif" };
    var axes = [Object.assign({}, common, { space: 70, values: function (_, marks, __, ___, step) { return timeLabels(marks, step, data.zone); } })];
    units.forEach(function (unit, index) {
      axes.push(Object.assign({}, common, {
        scale: unit, side: index === 0 ? 3 : 1, label: unit === "y" ? undefined : unit, labelSize: 18, size: 52,
        labelFont: "12px system-ui, sans-serif", grid: { show: index === 0, stroke: line, width: 1 },
        values: function (_, marks) { return marks.map(function (mark) { return mark === null ? "" : format(mark); }); },
      }));
    });
    return axes;
  }

  // 24-hour clock of the site's zone; the day stands below where it changes.
  function timeLabels(marks, step, zone) {
    var language = document.documentElement.lang || "en";
    var clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone || "UTC" });
    var day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: zone || "UTC" });
    var month = new Intl.DateTimeFormat(language, { month: "short", year: "numeric", timeZone: zone || "UTC" });
    var before = "";
    return marks.map(function (mark) {
      var at = new Date(mark * 1000);
      if (step >= 28 * 86400) return month.format(at);
      var today = day.format(at);
      var changed = today !== before;
      before = today;
      if (step >= 86400) return today;
      return clock.format(at) + (changed ? "\n" + today : "");
    });
  }

  function paintSpan(plot, from, until, paint, label) {
    var left = Math.max(plot.valToPos(from, "x", true), plot.bbox.left);
    var right = Math.min(plot.valToPos(until, "x", true), plot.bbox.left + plot.bbox.width);
    if (right <= left) return;
    var pen = plot.ctx;
    pen.save();
    pen.fillStyle = paint;
    pen.fillRect(left, plot.bbox.top, right - left, plot.bbox.height);
    if (label && right - left > 40 * devicePixelRatio) {
      pen.beginPath();
      pen.rect(left, plot.bbox.top, right - left, plot.bbox.height);
      pen.clip();
      pen.fillStyle = color("ink-soft");
      pen.font = 11 * devicePixelRatio + "px system-ui, sans-serif";
      pen.textAlign = "left";
      pen.textBaseline = "top";
      pen.fillText(label, left + 4 * devicePixelRatio, plot.bbox.top + 3 * devicePixelRatio);
    }
    pen.restore();
  }

  function estimatedSpans(data) {
    var spans = [];
    data.series.forEach(function (series) {
      (series.estimated || []).forEach(function (flag, index) {
        if (!flag) return;
        var until = data.at[index + 1] === undefined ? data.at[index] : data.at[index + 1];
        var last = spans[spans.length - 1];
        if (last && last.series === series && last.until === data.at[index]) last.until = until;
        else spans.push({ series: series, from: data.at[index], until: until });
      });
    });
    return spans;
  }

  function background(data) {
    var spans = estimatedSpans(data);
    return function (plot) {
      (data.bands || []).forEach(function (band) {
        paintSpan(plot, band.from, band.until, color(BAND_TOKENS[band.kind] || "unknown", 0.14), band.label);
      });
      spans.forEach(function (span) { paintSpan(plot, span.from, span.until, hatch("ink-soft"), ""); });
    };
  }

  function reading(figure, data) {
    var line = element("div", { class: "chart-reading", role: "status" });
    function show(index) {
      line.replaceChildren();
      if (index !== null) line.append(element("b", {}, instant(data.at[index], data.zone)));
      data.series.forEach(function (series) {
        var entry = element("span");
        var key = element("span", { class: "chart-key" });
        key.style.color = color(series.color_token || "accent");
        var value = index === null ? "" : " " + format(series.values[index]) + " " + unitOf(data, series);
        if (index !== null && series.estimated && series.estimated[index]) value += " (" + words(figure, "estimatedLabel", "estimated") + ")";
        entry.append(key, series.label + value);
        line.append(entry);
      });
      if (index === null) return;
      (data.bands || []).forEach(function (band) {
        if (band.from <= data.at[index] && data.at[index] < band.until) line.append(element("i", {}, band.label));
      });
    }
    show(null);
    return { line: line, show: show };
  }

  function shownRows(data, plot, all) {
    var head = ["time (" + (data.zone || "UTC") + ")"].concat(data.series.map(function (series) {
      return series.label + (unitOf(data, series) ? " [" + unitOf(data, series) + "]" : "");
    }));
    var rows = [head];
    data.at.forEach(function (at, index) {
      if (at < plot.scales.x.min || at > plot.scales.x.max) return;
      var when = all ? new Date(at * 1000).toISOString() : instant(at, data.zone);
      rows.push([when].concat(data.series.map(function (series) { return series.values[index]; })));
    });
    if (all) rows[0][0] = "time (UTC)";
    return rows;
  }

  // Arrow keys walk through the instants, Home and End jump, Escape shows the whole period again.
  function keys(plot, place, count) {
    place.tabIndex = 0;
    var index = null;
    place.addEventListener("keydown", function (event) {
      var steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -24, PageDown: 24 };
      if (event.key in steps) index = index === null ? count - 1 : index + steps[event.key];
      else if (event.key === "Home") index = 0;
      else if (event.key === "End") index = count - 1;
      else if (event.key === "Escape") { plot.setData(plot.data, true); return; }
      else return;
      event.preventDefault();
      index = Math.max(0, Math.min(count - 1, index));
      plot.setCursor({ left: plot.valToPos(plot.data[0][index], "x"), top: 10 });
    });
  }

  function drawLines(figure, data) {
    var place = figure.querySelector(".chart-plot");
    place.replaceChildren();
    var read = reading(figure, data);
    var parts = [].concat.apply([], data.series.map(split));
    var holder = element("div");
    place.append(read.line, holder);
    var scales = { x: { time: true } };
    data.series.forEach(function (series) {
      if (series.kind === "bars" || series.kind === "area") scales[unitOf(data, series) || "y"] = { range: fromZero };
    });
    var plot = new uPlot({
      width: Math.max(200, place.clientWidth), height: Number(figure.dataset.height) || 260,
      tzDate: function (at) { return uPlot.tzDate(new Date(at * 1000), data.zone || "UTC"); },
      scales: scales, axes: axesOf(data), legend: { show: false },
      cursor: { drag: { x: true, y: false }, sync: { key: "heatledger" }, points: { size: 6 } },
      series: [{}].concat(parts.map(function (part) { return lineOptions(data, part); })),
      hooks: {
        drawClear: [background(data)],
        setCursor: [function (me) { read.show(me.cursor.idx === undefined ? null : me.cursor.idx); }],
      },
    }, [data.at].concat(parts.map(function (part) { return part.values; })), holder);
    keys(plot, place, data.at.length);
    place.append(tools(figure, function (all) { return shownRows(data, plot, all); }, data.title || "chart"));
    var watch = new ResizeObserver(function () {
      if (place.clientWidth && Math.abs(place.clientWidth - plot.width) > 1) plot.setSize({ width: place.clientWidth, height: plot.height });
    });
    watch.observe(place);
    return function () { watch.disconnect(); plot.destroy(); };
  }

  function fromZero(_, least, most) {
    if (least === null || most === null) return [0, 1];
    return [Math.min(0, least), most > 0 ? most * 1.05 : 1];
  }

  // ---- the year, day by hour -----------------------------------------------------------------------------

  function blend(low, high, share) {
    var mixed = low.map(function (part, i) { return Math.round(part + (high[i] - part) * share); });
    return "rgb(" + mixed.join(",") + ")";
  }

  // Eight steps, so that a color can be found again in the scale below.
  function shadesOf(token) {
    var low = channels("wash"), high = channels(token);
    return Array.from({ length: SHADES }, function (_, step) { return blend(low, high, (step + 0.5) / SHADES); });
  }

  function shadeOf(value, low, high) {
    var share = high > low ? (value - low) / (high - low) : 1;
    return Math.max(0, Math.min(SHADES - 1, Math.floor(share * SHADES)));
  }

  function cellsOf(pairs) { return new Set((pairs || []).map(function (pair) { return pair[0] * 24 + pair[1]; })); }

  function swatch(paint) {
    var tile = element("canvas", { class: "chart-swatch", width: 24, height: 12, "aria-hidden": "true" });
    var pen = tile.getContext("2d");
    paint.forEach(function (one) { pen.fillStyle = one; pen.fillRect(0, 0, 24, 12); });
    return tile;
  }

  // What the colors mean: each step from its value on, the outermost values, and the two kinds of hatching.
  function scale(figure, data, low, high, shades, count) {
    var legend = element("div", { class: "chart-scale" });
    function entry(paint, text) {
      var made = element("span");
      made.append(swatch(paint), text);
      legend.append(made);
    }
    if (count) {
      shades.forEach(function (shade, step) {
        if (step % 2 && step !== SHADES - 1) return;
        entry([shade], (step === SHADES - 1 ? "≥ " : "") + format(low + (high - low) * step / SHADES) + " " + data.unit);
      });
    }
    entry([hatch("unknown", 0.6)], words(figure, "missingLabel", "no data"));
    if ((data.estimated || []).length) entry([shades[3], hatch("ink", 0.55)], words(figure, "partlyLabel", "estimated or partly known") + " (*)");
    if (data.least !== undefined && data.least !== null) {
      legend.append(element("span", {}, "min " + format(data.least) + " · max " + format(data.most) + " " + data.unit));
    }
    return legend;
  }

  function channels(token) { return color(token).match(/[\d.]+/g).slice(0, 3).map(Number); }

  function drawHeatmap(figure, data) {
    var place = figure.querySelector(".chart-plot");
    place.replaceChildren();
    var line = element("div", { class: "chart-reading", role: "status" });
    var canvas = element("canvas", { tabindex: "0", role: "img", "aria-label": data.title + ", " + data.unit });
    place.append(line, canvas);
    var all = [].concat.apply([], data.values).filter(function (value) { return value !== null; });
    var low = data.low === undefined ? 0 : data.low;
    var high = data.high === undefined ? Math.max.apply(null, all.concat([0])) || 1 : data.high;
    var estimated = cellsOf(data.estimated), absent = cellsOf(data.absent);
    var shades = shadesOf(data.color_token || "heat-supply");
    var margin = { left: 34, top: 4, bottom: 20 };
    var size = {};

    function paint() {
      var width = Math.max(240, place.clientWidth), height = Number(figure.dataset.height) || 260;
      size = { cellWidth: (width - margin.left) / data.days.length, cellHeight: (height - margin.top - margin.bottom) / 24 };
      canvas.width = width * devicePixelRatio; canvas.height = height * devicePixelRatio;
      canvas.style.width = width + "px"; canvas.style.height = height + "px";
      var pen = canvas.getContext("2d");
      pen.scale(devicePixelRatio, devicePixelRatio);
      var missing = hatch("unknown", 0.6), over = hatch("ink", 0.55);
      shades = shadesOf(data.color_token || "heat-supply");
      data.values.forEach(function (hours, day) {
        hours.forEach(function (value, hour) {
          if (absent.has(day * 24 + hour)) return;
          function fill(paint) {
            pen.fillStyle = paint;
            pen.fillRect(margin.left + day * size.cellWidth, margin.top + hour * size.cellHeight, Math.ceil(size.cellWidth * 2) / 2, size.cellHeight + 0.3);
          }
          fill(value === null ? missing : shades[shadeOf(value, low, high)]);
          if (estimated.has(day * 24 + hour)) fill(over);
        });
      });
      label(pen, height);
    }

    function label(pen, height) {
      pen.fillStyle = color("ink-soft");
      pen.font = "11px system-ui, sans-serif";
      [0, 6, 12, 18].forEach(function (hour) { pen.fillText(String(hour).padStart(2, "0") + ":00", 0, margin.top + hour * size.cellHeight + 9); });
      var every = size.cellWidth * 30 < 30 ? 3 : 1;
      data.days.forEach(function (day, index) {
        if (!day.endsWith("-01") || (Number(day.slice(5, 7)) - 1) % every) return;
        var month = new Intl.DateTimeFormat(document.documentElement.lang || "en", { month: "short", timeZone: "UTC" }).format(new Date(day));
        pen.fillText(month, margin.left + index * size.cellWidth, height - 6);
      });
    }

    var last = data.days.length - 1;
    while (last > 0 && data.values[last].every(function (value) { return value === null; })) last -= 1;
    var newest = 23;
    while (newest > 0 && (!data.values[last] || data.values[last][newest] === null)) newest -= 1;
    var at = { day: last, hour: newest };
    function reads(day, hour) {
      if (absent.has(day * 24 + hour)) return words(figure, "absentLabel", "no such hour, or not over yet");
      var value = data.values[day][hour];
      if (value === null) return words(figure, "missingLabel", "no data");
      return (format(value) + " " + data.unit).trim() + (estimated.has(day * 24 + hour) ? " (" + words(figure, "partlyLabel", "estimated or partly known") + ")" : "");
    }
    function show() {
      line.replaceChildren(
        element("b", {}, data.days[at.day] + " " + String(at.hour).padStart(2, "0") + ":00"),
        element("span", {}, reads(at.day, at.hour))
      );
    }
    canvas.addEventListener("mousemove", function (event) {
      var day = Math.floor((event.offsetX - margin.left) / size.cellWidth), hour = Math.floor((event.offsetY - margin.top) / size.cellHeight);
      if (day < 0 || day >= data.days.length || hour < 0 || hour > 23) return;
      at = { day: day, hour: hour };
      show();
    });
    canvas.addEventListener("keydown", function (event) {
      var steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], PageUp: [-7, 0], PageDown: [7, 0] };
      if (!(event.key in steps)) return;
      event.preventDefault();
      at.day = Math.max(0, Math.min(data.days.length - 1, at.day + steps[event.key][0]));
      at.hour = Math.max(0, Math.min(23, at.hour + steps[event.key][1]));
      show();
    });
    paint();
    show();
    place.append(scale(figure, data, low, high, shades, all.length));
    place.append(tools(figure, function (plain) {
      return [["day"].concat(Array.from({ length: 24 }, function (_, hour) { return String(hour); }))].concat(
        data.days.map(function (day, index) {
          return [day].concat(data.values[index].map(function (value, hour) {
            return plain || value === null || !estimated.has(index * 24 + hour) ? value : format(value) + " *";
          }));
        }));
    }, data.title || "year"));
    var watch = new ResizeObserver(paint);
    watch.observe(place);
    return function () { watch.disconnect(); };
  }

  // ---- finding and redrawing -----------------------------------------------------------------------------

  function dataOf(figure) {
    if (figure.chartData) return Promise.resolve(figure.chartData);
    var inline = document.getElementById(figure.dataset.chartId);
    if (inline && inline.type === "application/json") return Promise.resolve(JSON.parse(inline.textContent));
    if (!figure.dataset.chartUrl) return Promise.reject(new Error("no data"));
    return fetch(figure.dataset.chartUrl, { headers: { Accept: "application/json" } }).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.json();
    });
  }

  function draw(figure) {
    dataOf(figure).then(function (data) {
      figure.chartData = data;
      if (drawn.has(figure)) drawn.get(figure)();
      var empty = data.days ? !data.days.length : !data.at || !data.series.some(function (series) {
        return series.values.some(function (value) { return value !== null; });
      });
      if (empty) { say(figure, words(figure, "emptyLabel", "No data in this period.")); return; }
      drawn.set(figure, figure.dataset.chart === "heatmap" ? drawHeatmap(figure, data) : drawLines(figure, data));
      figure.classList.add("chart-ready");
    }).catch(function () { say(figure, words(figure, "failedLabel", "The chart could not be loaded. Reload the page to try again.")); });
  }

  function say(figure, text) {
    figure.classList.add("chart-ready");
    figure.querySelector(".chart-plot").replaceChildren(element("p", { class: "text-secondary" }, text));
  }

  function drawAll(within) {
    Array.from(drawn.keys()).forEach(function (figure) { if (!figure.isConnected) { drawn.get(figure)(); drawn.delete(figure); } });
    within.querySelectorAll("figure[data-chart]").forEach(function (figure) { if (!drawn.has(figure)) draw(figure); });
  }

  function redraw() { Array.from(drawn.keys()).forEach(draw); }

  document.addEventListener("themechange", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  document.addEventListener("htmx:load", function () { drawAll(document); });
  window.Heatledger = { charts: { draw: draw, drawAll: drawAll } };
  drawAll(document);
})();
