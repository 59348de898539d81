// Looks at pages in a real Chromium. What to look at comes as JSON on the standard input, what is
// wrong goes as a JSON list of sentences to the standard output.
"use strict";
const fs = require("node:fs");
const path = require("node:path");

const wanted = JSON.parse(fs.readFileSync(0, "utf8"));
const { chromium } = require(path.join(wanted.modules, "playwright-core"));

const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };
const WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"];
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];
// All that our own pages are made of.
const ELEMENTS = new Set((
  "html head meta title style link body nav main footer h1 h2 h3 p a ul ol li dl div dt dd b small " +
  "span bdi code pre time table thead tbody tr th td details summary figure figcaption svg path rect"
).split(" "));
const ATTRIBUTES = new Set((
  "lang charset name content rel href class dir aria-label aria-hidden role datetime scope data-of " +
  "type viewBox preserveAspectRatio x y width height rx d"
).split(" "));

const problems = [];
const wrong = (where, what) => problems.push(`${where}: ${what}`);

// One context for all pages that are looked at alike: making one takes longer than a page.
const contexts = new Map();
function context(browser, options) {
  const name = JSON.stringify(options);
  if (!contexts.has(name)) contexts.set(name, browser.newContext({ viewport: DESKTOP, ...options }));
  return contexts.get(name);
}

// Opens a page, takes note of all that it complains of, and hands it on.
async function visit(browser, at, options, look) {
  const page = await (await context(browser, options)).newPage();
  const said = [];
  page.on("console", (it) => said.push(`${it.type()}: ${it.text()}`));
  page.on("pageerror", (it) => said.push(`error: ${it}`));
  page.on("requestfailed", (it) => said.push(`failed: ${it.url()}`));
  page.on("dialog", (it) => { said.push(`dialog: ${it.message()}`); it.dismiss(); });
  page.on("request", (it) => {
    if (!it.url().startsWith(wanted.url)) said.push(`asked for ${it.url()}`);
  });
  await page.goto(wanted.url + at, { waitUntil: "load" });
  const found = await look(page);
  said.forEach((it) => wrong(at, it));
  await page.close();
  return found;
}

const text = (page) => page.evaluate(() => document.body.innerText);

// What a page is made of, without its words: the same for any client, whatever it is called.
const skeleton = (page) => page.evaluate(() =>
  [...document.querySelectorAll("*")].map((it) => [
    it.tagName.toLowerCase(),
    [...it.attributes].map((a) => a.name),
    it.getAttribute("href") ?? "",
    it.parentElement?.tagName ?? "",
  ]));

const checks = {
  // No complaint, and the same words whether scripts may run or not.
  async script(browser) {
    for (const at of wanted.paths) {
      const withScript = await visit(browser, at, {}, text);
      const without = await visit(browser, at, { javaScriptEnabled: false }, text);
      if (withScript !== without) wrong(at, "reads otherwise without script");
      if (without.length < 40) wrong(at, "has nothing to read without script");
    }
  },

  // What unfolds does so without script.
  async unfold(browser) {
    for (const at of wanted.paths) {
      await visit(browser, at, { javaScriptEnabled: false }, async (page) => {
        const hidden = page.locator("details td").first();
        if (await hidden.isVisible()) wrong(at, "is unfolded already");
        await page.locator("summary").first().click();
        if (!await hidden.isVisible()) wrong(at, "does not unfold");
      });
    }
  },

  async axe(browser) {
    const axe = fs.readFileSync(path.join(wanted.modules, "axe-core/axe.min.js"), "utf8");
    for (const at of wanted.paths) {
      for (const [colorScheme, viewport] of [["light", DESKTOP], ["dark", PHONE]]) {
        await visit(browser, at, { colorScheme, viewport }, async (page) => {
          await page.evaluate(axe);
          const { violations } = await page.evaluate(
            (values) => globalThis.axe.run({ runOnly: { type: "tag", values } }), WCAG);
          for (const it of violations) {
            const where = it.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ");
            wrong(`${at} ${colorScheme}`, `${it.id} (${it.help}) at ${where}`);
          }
        });
      }
    }
  },

  // Nothing to scroll sideways to, in either direction of writing.
  async fit(browser) {
    for (const at of wanted.paths) {
      for (const viewport of [PHONE, DESKTOP]) {
        for (const direction of ["ltr", "rtl"]) {
          await visit(browser, at, { viewport }, async (page) => {
            const beyond = await page.evaluate((dir) => {
              const root = document.documentElement;
              root.dir = dir;
              const bounds = [...document.body.querySelectorAll("main *, nav *, footer *")]
                .filter((it) => getComputedStyle(it).position !== "absolute"
                  && !it.closest("thead, svg"))
                .filter((it) => {
                  const box = it.getBoundingClientRect();
                  return box.width > 0 && (box.left < -1 || box.right > root.clientWidth + 1);
                });
              return [root.scrollWidth - root.clientWidth, bounds.slice(0, 3).map((it) => it.outerHTML.slice(0, 80))];
            }, direction);
            if (beyond[0] > 0 || beyond[1].length > 0) {
              wrong(`${at} ${direction} at ${viewport.width}`, `${beyond[0]} too wide: ${beyond[1]}`);
            }
          });
        }
      }
    }
  },

  // Whatever a client is called, the page is made of what it is made of for an honest one.
  async inert(browser) {
    const [plain, ...hostile] = wanted.paths;
    const expected = await visit(browser, plain, {}, skeleton);
    for (const [tag, attributes, href] of expected) {
      const unknown = attributes.filter((it) => !ATTRIBUTES.has(it));
      if (!ELEMENTS.has(tag) || unknown.length > 0) wrong(plain, `has <${tag} ${unknown}>`);
      if (!/^($|[/?](?!\/)|http:\/\/127\.0\.0\.1:9464\/)/.test(href)) wrong(plain, `leads to ${href}`);
    }
    for (const at of hostile) {
      const found = await visit(browser, at, {}, async (page) => {
        if (await page.evaluate(() => "ran" in globalThis)) wrong(at, "a script ran");
        return skeleton(page);
      });
      const same = JSON.stringify(found) === JSON.stringify(expected).replaceAll(plain, at);
      if (!same) wrong(at, "is made of other elements than the page of an honest client");
    }
  },

  async pictures(browser) {
    fs.mkdirSync(wanted.folder, { recursive: true });
    for (const at of wanted.paths) {
      for (const [name, colorScheme, viewport] of
        [["light", "light", DESKTOP], ["dark", "dark", DESKTOP], ["phone", "light", PHONE]]) {
        const file = `${at.slice(1).replaceAll("/", "-")}-${name}.png`;
        await visit(browser, at, { colorScheme, viewport, deviceScaleFactor: 1 }, (page) =>
          page.screenshot({ path: path.join(wanted.folder, file), fullPage: true }));
      }
    }
  },
};

(async () => {
  const browser = await chromium.launch({ executablePath: wanted.chromium, args: ARGUMENTS });
  try {
    await checks[wanted.check](browser);
  } finally {
    await browser.close();
  }
  process.stdout.write(JSON.stringify(problems));
})();
