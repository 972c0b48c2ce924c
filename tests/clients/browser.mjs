// A real Chromium without JavaScript, and a look at each page: a screenshot in both colour schemes at two widths, and
// what can be said of any page whatever it is for. What is wrong with a page is collected, so that one journey shows all.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { root } from './server.mjs';

const screenshots = join(root, 'target/screenshots');

/**
 * `sites` are the web sites beside this computer's own addresses that pages may lead to, each with the local port that
 * stands in for it: `{ 'app.example': 4433 }`. Their certificates may be anybody's.
 */
export async function openBrowser({ sites = {} } = {}) {
  await mkdir(screenshots, { recursive: true });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    chromiumSandbox: process.getuid?.() !== 0,
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-proxy-server',
      `--host-resolver-rules=${Object.entries(sites).map(([host, port]) => `MAP ${host}:443 127.0.0.1:${port}`)}`,
    ],
  });
  const context = await browser.newContext({ javaScriptEnabled: false, reducedMotion: 'reduce', ignoreHTTPSErrors: true });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const faults = [];
  const seen = [];
  const hosts = ['localhost', '127.0.0.1', ...Object.keys(sites)];
  await listen(page, faults, hosts);

  return {
    page,
    faults,
    seen,
    /** Screenshots of the page as it is now, and the checks. */
    async look(name) {
      seen.push(name);
      for (const colorScheme of ['light', 'dark']) {
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        for (const width of [1280, 320]) {
          await page.setViewportSize({ width, height: 800 });
          const path = join(screenshots, `${name}-${colorScheme}-${width}.png`);
          await page.screenshot({ path, fullPage: true, animations: 'disabled' });
          const problems = await page.evaluate(inspect);
          for (const [rule, what] of problems) faults.push({ rule, what: `${name}, ${colorScheme}, ${width} px: ${what}` });
        }
      }
      await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
      await page.setViewportSize({ width: 1280, height: 800 });
    },
    /** Another tab of the same browser, watched like the first. */
    async tab() {
      const tab = await context.newPage();
      await listen(tab, faults, hosts);
      return tab;
    },
    /** Where the browser stands, for whoever reads a failure. */
    async describe() {
      await page.screenshot({ path: join(screenshots, 'failure.png'), fullPage: true });
      const text = await page.locator('body').innerText();
      return `The browser is at ${page.url()} (target/screenshots/failure.png):\n${text}`;
    },
    close: () => browser.close(),
  };
}

async function listen(page, faults, hosts) {
  const documents = new Set();
  const fault = (rule, what) => faults.push({ rule, what });
  const tools = await page.context().newCDPSession(page);
  tools.on('Audits.issueAdded', ({ issue }) => {
    const details = issue.details.contentSecurityPolicyIssueDetails;
    if (details) fault('console', `${page.url()}: breaks ${details.violatedDirective}, ${details.blockedURL ?? ''}`);
  });
  await tools.send('Audits.enable');
  page.on('response', response => response.request().isNavigationRequest() && documents.add(response.url()));
  page.on('request', request => {
    const { protocol, hostname } = new URL(request.url());
    const ours = protocol === 'data:' || hosts.includes(hostname);
    if (!ours) fault('elsewhere', `${page.url()} asked for ${request.url()}`);
  });
  page.on('pageerror', error => fault('console', `${page.url()}: ${error.message}`));
  page.on('console', message => {
    // Chromium reports an error page's own status as an error; that status is what the page is for.
    const { url } = message.location();
    const ownStatus = /^Failed to load resource: .* status of 4\d\d/.test(message.text()) && documents.has(url);
    const serious = ['error', 'warning'].includes(message.type());
    if (serious && !ownStatus) fault('console', `${page.url()}: ${message.text()} ${url === page.url() ? '' : url}`.trim());
  });
}

/** Runs in the page. Answers pairs of rule and what breaks it. */
function inspect() {
  const problems = [];
  for (const folded of document.querySelectorAll('details')) folded.open = true;
  const { scrollWidth, clientWidth, lang } = document.documentElement;
  if (scrollWidth > clientWidth) problems.push(['sideways', `scrolls sideways, ${scrollWidth} px in ${clientWidth} px`]);

  const headings = document.querySelectorAll('h1').length;
  if (headings !== 1) problems.push(['structure', `${headings} h1 headings instead of one`]);
  if (!lang) problems.push(['structure', 'no language on <html>']);
  if (!document.title) problems.push(['structure', 'no title']);
  if (document.scripts.length) problems.push(['structure', 'a script']);
  for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
    if (!field.labels.length && !field.ariaLabel) problems.push(['structure', `no label for the field "${field.name}"`]);

  // A canvas knows every way to write a colour.
  const brush = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const paint = colors => {
    brush.clearRect(0, 0, 1, 1);
    for (const color of colors) (brush.fillStyle = color), brush.fillRect(0, 0, 1, 1);
    return brush.getImageData(0, 0, 1, 1).data;
  };
  const luminance = color => {
    const [r, g, b] = [...color].map(c => c / 255).map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const dark = matchMedia('(prefers-color-scheme: dark)').matches && getComputedStyle(document.documentElement).colorScheme;
  const canvas = dark && dark.includes('dark') ? '#121212' : '#fff';
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest(':disabled')) continue;
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.unshift(getComputedStyle(at).backgroundColor);
    const ground = [canvas, ...layers];
    const [low, high] = [paint(ground), paint([...ground, getComputedStyle(element).color])].map(luminance).sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) problems.push(['contrast', `${contrast.toFixed(2)} : 1 in "${texts.currentNode.data.trim().slice(0, 40)}"`]);
  }
  for (const unfolded of document.querySelectorAll('details')) unfolded.open = false;
  return problems;
}
