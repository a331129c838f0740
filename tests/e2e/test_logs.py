"""What the app writes into its log: no secret, no person, no whole record."""

from __future__ import annotations

from tests.e2e.people import Everything


async def test_neither_secrets_nor_people_stand_in_the_log(everything: Everything) -> None:
    await everything.fresh("CUSTOMER", "CONTACT")
    account = await everything.create_account(name="Confidential Ltd", emailaddress1="secret.person@hidden.example")
    contact = {
        "firstname": "Unmentioned",
        "lastname": "Someone",
        "emailaddress1": "unmentioned@hidden.example",
        "parentcustomerid_account@odata.bind": f"/accounts({account})",
    }
    assert (await everything.dataverse.post("/contacts", json=contact)).status_code == 204
    fault = {"method": "GET", "route": ".*", "times": 1, "status": 503}
    (await everything.controls["business_central"].post("/faults", json={"refuse": [fault]})).raise_for_status()
    for mapping in ("CUSTOMER", "CONTACT"):
        await everything.synchronize(mapping)
    assert everything.folder is not None
    log = (everything.folder / "functions_host.log").read_text("utf-8")
    assert "of CUSTOMER ended" in log, "the log is read, and it tells what happened"
    planted = [
        *("Confidential", "hidden.example", "Unmentioned", "Someone"),
        everything.information["dataverse"]["token"],
        everything.information["functions"]["key"],
        everything.information["storage"]["connection_string"].split("AccountKey=")[1].split(";")[0],
        "SAS_KEY_VALUE",
    ]
    assert [word for word in planted if word in log] == []
