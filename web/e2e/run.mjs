// The browser tests, one after the other on one program. RMP_E2E=text runs
// those whose name contains it; RMP_SCREENSHOTS=DIR keeps pictures.
import { finish } from './harness.mjs';

try {
  await import('./booking.mjs');
  await import('./care.mjs');
  await import('./people.mjs');
  await import('./admin.mjs');
  await import('./screens.mjs');
  await import('./signon.mjs');
} finally {
  await finish();
}
