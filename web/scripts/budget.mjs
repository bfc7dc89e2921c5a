// Fails the build when the script of the first load grows over its budget.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const budget = 120 * 1024;
const dist = new URL('../dist/', import.meta.url);
const index = readFileSync(new URL('index.html', dist), 'utf8');
let first = 0;
for (const name of readdirSync(new URL('assets/', dist))) {
  if (!/\.(js|css)$/.test(name)) continue;
  const size = gzipSync(readFileSync(new URL(`assets/${name}`, dist)), { level: 9 }).length;
  const loaded = index.includes(name);
  console.log(`${name}: ${(size / 1024).toFixed(1)} KB gzip${loaded ? '' : ' (loaded later)'}`);
  if (loaded && name.endsWith('.js')) first += size;
}
console.log(`first load: ${(first / 1024).toFixed(1)} KB of script, budget ${budget / 1024} KB`);
if (first > budget) {
  console.error('over budget');
  process.exitCode = 1;
}
