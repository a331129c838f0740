"""The two other languages of queries: FetchXML, and the small SQL of `?sql=`."""
