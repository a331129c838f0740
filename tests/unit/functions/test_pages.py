"""The page that a browser shows for a row without a record in Business Central."""

from __future__ import annotations

from functions.pages import HEADERS, page_about
from shared.core.refusals import RefusalCode
from shared.services.forms.base import RecordName, RefusalAnswer
from shared.services.forms.synchronize_now import RibbonAnswer, RibbonOutcome

ROW = RecordName(id="1", title='Adatum <script>"&')


def answer(outcome: RibbonOutcome, refusal: RefusalAnswer | None = None) -> RibbonAnswer:
    return RibbonAnswer(mapping="CUSTOMER", outcome=outcome, dataverse=ROW, refusal=refusal)


def test_only_where_something_can_be_done_there_is_a_button_and_nothing_happens_without_it() -> None:
    pages = {outcome: page_about(answer(outcome)) for outcome in RibbonOutcome}
    assert [outcome for outcome, page in pages.items() if '<form method="post">' in page] == [RibbonOutcome.POSSIBLE]
    assert all("<script" not in page for page in pages.values())


def test_names_and_reasons_are_shown_as_text() -> None:
    refusal = RefusalAnswer(code=RefusalCode.NOT_COUPLED, message="<b>no</b>", remedy="Couple & go")
    page = page_about(answer(RibbonOutcome.REFUSED, refusal))
    assert "Adatum &lt;script&gt;&quot;&amp;" in page
    assert "&lt;b&gt;no&lt;/b&gt;" in page
    assert "Couple &amp; go" in page


def test_no_other_site_may_show_the_page_within_its_own() -> None:
    assert "frame-ancestors 'none'" in HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in HEADERS["Content-Security-Policy"]
