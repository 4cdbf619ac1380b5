Exam results at a comprehensive have reached a record high two years after the head teacher began locking up every pupil's phone in a biscuit tin.

At Thornley Edge School, 900 phones are handed in at 8.40 each morning, one tin to a form, and given back at 3.25. The share of pupils gaining five good passes has gone from 48 per cent to 63.

'I don't claim that it's all down to tins,' said the head, Mr Callum Brightwater, 49. 'We also have a very good maths department. But you can hear people talk at lunch. They had stopped doing that.'

The rule was not popular. There was a walkout in the first week, and one parent threatened to sue when her son could not be reached about a dental appointment. The school office now takes messages on paper, and delivers them within ten minutes.

A sixth-former, Saffron Okoro, 17, had led the walkout. She has changed her mind, up to a point. 'I've read more books,' she said. 'Mostly because there was nothing else to look at on the bus, as I'd forgotten to pick it up.'

Four schools nearby are to follow suit in September.

@highlight

Thornley Edge School locks up 900 phones in biscuit tins every morning

@highlight

Pupils with five good passes rose from 48 per cent to 63

@highlight

Pupils staged a walkout in the first week of the rule

@highlight

Four nearby schools will bring in the rule in September
