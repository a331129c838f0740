// Drives the Dataverse simulator with the package dynamics-web-api and prints what it saw, one JSON object.
// Settings: SIMULATOR_URL, SIMULATOR_TOKEN, and PACKAGES, the folder whose node_modules has the package.
"use strict";

const { createRequire } = require("node:module");
const path = require("node:path");

const { DynamicsWebApi } = createRequire(path.join(process.env.PACKAGES, "package.json"))("dynamics-web-api");

const client = new DynamicsWebApi({
  serverUrl: process.env.SIMULATOR_URL,
  dataApi: { version: "9.2" },
  onTokenRefresh: async () => process.env.SIMULATOR_TOKEN,
});

const accounts = "accounts";

async function singleRows() {
  const created = await client.create({ collection: accounts, data: { name: "Çelik & Søn" }, returnRepresentation: true });
  const key = created.accountid;
  await client.update({ collection: accounts, key, data: { telephone1: "1" } });
  const read = await client.retrieve({ collection: accounts, key, select: ["name", "telephone1"] });
  const changed = await client.update({
    collection: accounts, key, data: { telephone1: "2" }, ifmatch: read["@odata.etag"], returnRepresentation: true,
  });
  const stale = await refusal(
    client.update({ collection: accounts, key, data: { telephone1: "3" }, ifmatch: read["@odata.etag"] }),
  );
  await client.deleteRecord({ collection: accounts, key });
  const gone = await refusal(client.retrieve({ collection: accounts, key, select: ["name"] }));
  return { name: read.name, telephone: read.telephone1, changed: changed.telephone1, stale, gone };
}

async function pages() {
  for (let number = 0; number < 7; number += 1) {
    await client.create({ collection: accounts, data: { name: `page ${number}` } });
  }
  const request = {
    collection: accounts, select: ["name"], filter: "startswith(name,'page ')", orderBy: ["name desc"], maxPageSize: 3,
  };
  const first = await client.retrieveMultiple(request);
  const second = await client.retrieveMultiple(request, first.oDataNextLink);
  const all = await client.retrieveAll(request);
  const counted = await client.retrieveMultiple({ ...request, count: true, maxPageSize: 1 });
  return {
    first: first.value.map((row) => row.name),
    second: second.value.map((row) => row.name),
    all: all.value.length,
    count: counted.oDataCount,
  };
}

async function changes() {
  const request = { collection: accounts, select: ["name"], trackChanges: true };
  const before = await client.retrieveMultiple(request);
  const kept = await client.create({ collection: accounts, data: { name: "tracked" }, returnRepresentation: true });
  const gone = before.value[0].accountid;
  await client.deleteRecord({ collection: accounts, key: gone });
  const after = await client.retrieveMultiple(request, before.oDataDeltaLink);
  return {
    changed: after.value.map((row) => row.name ?? row.reason),
    ids: after.value[0].accountid === kept.accountid && after.value[1].id === gone,
    again: Boolean(after.oDataDeltaLink),
  };
}

async function links() {
  const parent = await client.create({ collection: accounts, data: { name: "parent" }, returnRepresentation: true });
  const contact = await client.create({ collection: "contacts", data: { lastname: "L" }, returnRepresentation: true });
  await client.associateSingleValued({
    collection: accounts, primaryKey: parent.accountid, navigationProperty: "primarycontactid",
    relatedCollection: "contacts", relatedKey: contact.contactid,
  });
  await client.associate({
    collection: accounts, primaryKey: parent.accountid, relationshipName: "contact_customer_accounts",
    relatedCollection: "contacts", relatedKey: contact.contactid,
  });
  const read = await client.retrieve({
    collection: accounts, key: parent.accountid, select: ["name"],
    expand: [
      { property: "primarycontactid", select: ["lastname"] },
      { property: "contact_customer_accounts", select: ["lastname"] },
    ],
  });
  await client.disassociateSingleValued({
    collection: accounts, primaryKey: parent.accountid, navigationProperty: "primarycontactid",
  });
  const cleared = await client.retrieve({
    collection: accounts, key: parent.accountid, select: ["_primarycontactid_value"], includeAnnotations: "*",
  });
  return {
    primary: read.primarycontactid.lastname,
    members: read.contact_customer_accounts.map((row) => row.lastname),
    cleared: cleared._primarycontactid_value,
  };
}

async function batch() {
  client.startBatch();
  client.create({ collection: accounts, data: { name: "in batch" }, contentId: "1" });
  client.create({ collection: "contacts", data: { lastname: "B", "parentcustomerid_account@odata.bind": "$1" } });
  client.retrieveMultiple({ collection: accounts, select: ["name"], filter: "name eq 'tracked'" });
  const [account, contact, found] = await client.executeBatch();
  const read = await client.retrieve({ collection: "contacts", key: contact, select: ["_parentcustomerid_value"] });
  client.startBatch();
  client.create({ collection: accounts, data: { name: "x".repeat(200) } });
  const refused = await refusal(client.executeBatch());
  return { bound: read._parentcustomerid_value === account, found: found.value.length, refused };
}

async function others() {
  const who = await client.callFunction({ functionName: "WhoAmI" });
  const fetched = await client.fetch({
    collection: accounts,
    fetchXml: `<fetch><entity name="account"><attribute name="name"/><order attribute="name"/>
      <filter><condition attribute="name" operator="begins-with" value="page "/></filter></entity></fetch>`,
    pageNumber: 1,
  });
  const number = await client.count({ collection: "transactioncurrencies" });
  const table = await client.retrieveEntity({
    key: "LogicalName='account'", select: ["LogicalName", "EntitySetName"],
  });
  return { user: who.UserId.length, fetched: fetched.value.length, number, set: table.EntitySetName };
}

async function refusal(call) {
  try {
    await call;
  } catch (error) {
    const told = Array.isArray(error) ? error[0] : error;
    return { status: told.status, code: told.code ?? told.error?.code };
  }
  return null;
}

(async () => {
  const seen = {};
  for (const [name, step] of Object.entries({ singleRows, pages, changes, links, batch, others })) {
    seen[name] = await step().catch((error) => ({ failed: String(error.message ?? JSON.stringify(error)) }));
  }
  process.stdout.write(JSON.stringify(seen));
})();
