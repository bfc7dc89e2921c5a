// Administration.
import { accessible, api, button, cli, day, must, shot, signedIn, test, url } from './harness.mjs';

await test('an administrator makes a resource and a user, and the log has it', async () => {
  const page = await signedIn('admin@example.test', '/admin');
  await button(page, 'New resource').click();
  await page.getByLabel('Name').fill('Zagreb');
  must((await page.getByLabel('Address before the @').inputValue()) === 'zagreb', 'an address is proposed');
  await accessible(page, 'new resource');
  await button(page, 'Save').click();
  await page.getByText('Saved: Zagreb.').waitFor();
  await page.getByText('zagreb@confroom.resources.example.test').first().waitFor();
  await button(page, 'Edit Zagreb').click();
  await page.getByText('Rules of its own').click();
  await page.getByLabel('Longest, minutes').fill('60');
  await page.getByLabel('Seats').fill('7');
  await button(page, 'Save').click();
  await page.getByText('Saved: Zagreb.').waitFor();
  await page.goto(url + '/resource?email=zagreb@confroom.resources.example.test');
  await page.getByText('At most 1 hour.').waitFor();

  await page.goto(url + '/admin?tab=users');
  await button(page, 'New user').click();
  await page.getByLabel('Name').fill('Nina New');
  await page.getByLabel('Address').fill('nina@example.test');
  await button(page, 'Save').click();
  await page.getByText('Nina New', { exact: true }).waitFor();
  await button(page, 'Switch off Nina New').click();
  await button(page, 'Switch on Nina New').waitFor();
  await button(page, 'Audit log').click();
  await page.getByText('create-resource').first().waitFor();
  await page.getByText('create-user').first().waitFor();
  await page.getByLabel('What was done').fill('create-user');
  await page.getByText('create-resource').first().waitFor({ state: 'detached' });
  const anna = await signedIn('anna@example.test', '/admin');
  await anna.getByText('This is for administrators.').waitFor();
});

await test('the rules of a type are set, and tried before anybody books', async () => {
  const page = await signedIn('admin@example.test', '/admin?tab=policies');
  await button(page, 'Vehicles').click();
  await page.getByLabel('Longest, minutes').fill('120');
  await page.getByLabel('Longest, minutes').blur();
  await page.getByText('At most 2 hours.').waitFor();
  await accessible(page, 'rules');
  await button(page, 'Save').click();
  await page.getByText('Saved: Vehicles.').waitFor();
  await page.getByLabel('Day', { exact: true }).fill(day);
  await page.getByLabel('From', { exact: true }).last().fill('08:00');
  await page.getByLabel('Until', { exact: true }).last().fill('12:00');
  await button(page, 'Ask').click();
  await page.getByText('It would be refused.').waitFor();
  await page
    .getByText(/maximumDuration/)
    .first()
    .waitFor();
  await shot(page, 'rules-desktop');
  await page.getByLabel('Until', { exact: true }).last().fill('09:30');
  await button(page, 'Ask').click();
  await page.getByText('It could be booked.').waitFor();
  await page.getByLabel('Longest, minutes').fill('');
  await page.getByLabel('Longest, minutes').blur();
  await button(page, 'Save').click();
});

await test('a kind of resource of one’s own', async () => {
  const page = await signedIn('admin@example.test', '/admin?tab=settings');
  await button(page, 'Add a kind').click();
  await page.getByLabel('Name', { exact: true }).last().fill('boat');
  await page.getByLabel('Label').fill('Boat');
  await page.getByLabel('Beginning of the sub-domain').fill('boats.resources.');
  await button(page, 'Save').click();
  await page.getByText(/^Saved: Example/).waitFor();
  await page.goto(url + '/timeline');
  await page.getByLabel('Type').selectOption({ label: 'Boat' });
  await page.getByText('Nothing fits these filters.').waitFor();
});

await test('resources come from a CSV file, after a preview', async () => {
  const page = await signedIn('admin@example.test', '/admin');
  await button(page, 'Import from CSV').click();
  const csv = 'name,type,capacity,features\nOslo,Conference room,12,"screen; video"\nSpace 99,parking-space,,\nBroken,boot,many,\n';
  await page.getByLabel('CSV file').setInputFiles({ name: 'rooms.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) });
  await page.getByText('2 new, 0 changed, 0 known, 1 refused').waitFor();
  await page.getByText(/capacity: "many" is not a number/).waitFor();
  await accessible(page, 'import preview');
  await shot(page, 'import-desktop');
  await button(page, 'Import 2 rows').click();
  await page.getByText('2 rows imported.').waitFor();
  await page.getByText('oslo@confroom.resources.example.test').waitFor();
});

await test('a resource is broken, found by the health page, repaired there, and that is taken back', async () => {
  const admin = await api('admin@example.test');
  await admin('POST', '/api/v2/resources', { email: 'tromso@confroom.resources.example.test', name: 'Tromsø', timeZone: 'Europe/Oslo' });
  const page = await signedIn('admin@example.test', '/admin?tab=health');
  await page.getByText(/passed, 0 warnings, 0 failed/).waitFor();
  await cli('DELETEMAILBOX tromso@confroom.resources.example.test MAILBOX Calendar');
  await button(page, 'Check again').click();
  await page.getByText('A calendar is missing').waitFor();
  await accessible(page, 'health');
  await page.getByText('Evidence').first().click();
  await page.getByText('LISTMAILBOXES tromso@').waitFor();
  await shot(page, 'health-desktop');
  await button(page, 'Repair: A calendar is missing').click();
  await page.getByText('3 steps done.').waitFor();
  await page.getByText(/passed, 0 warnings, 0 failed/).waitFor();
  await button(page, 'Undo').click();
  await page.getByText('Undone: 2 steps.').waitFor();
  await page.getByText('A calendar is missing').waitFor();
  await button(page, 'Repair: A calendar is missing').click();
  await page.getByText(/passed, 0 warnings, 0 failed/).waitFor();
});
