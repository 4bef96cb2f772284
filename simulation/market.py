"""What differs between countries: money, words, names, calendar. Two markets: the United States and mainland China."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Market:
    """A country as the generator sees it. Amounts scale with `median_income`; words are what account lines say.

    Attributes
    ----------
    median_income : float
        Of a household, a year, in `currency`.
    pay_cycles : tuple of float
        Shares of employees paid monthly, twice a month, every second Friday.
    round_to : int
        Large amounts people choose are multiples of this, in units of `currency`.
    fx : mapping of currency -> (rate on `fx_from`, a year later), units of `currency` for one; the year after leads back
    holidays : frozenset of MM-DD or YYYY-MM-DD
    """

    currency: str
    time_zone: str
    median_income: float
    pay_cycles: tuple[float, float, float]
    round_to: int
    fx: Mapping[str, tuple[float, float]]
    fx_from: date
    holidays: frozenset[str]
    surnames: tuple[str, ...]
    given_f: tuple[str, ...]
    given_m: tuple[str, ...]
    name_pattern: str
    regions: tuple[str, ...]
    occupations: Mapping[str, tuple[str, ...]]
    employers: tuple[str, ...]
    merchants: tuple[tuple[str, float, float], ...]  # wording, share of payments, size of ticket against the usual
    words: Mapping[str, str]
    payees: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


UNITED_STATES = Market(
    currency="USD",
    time_zone="America/New_York",
    median_income=55_000,
    pay_cycles=(0.12, 0.33, 0.55),
    round_to=100,
    fx={"EUR": (1.046, 1.19), "GBP": (1.229, 1.348)},
    fx_from=date(2017, 1, 1),
    holidays=frozenset({
        "2017-01-02", "2017-01-16", "2017-02-20", "2017-05-29", "07-04", "2017-09-04", "2017-10-09", "11-11",
        "2017-11-23", "12-25",
    }),
    surnames=(
        "Abbott", "Barnes", "Castillo", "Dawson", "Ellison", "Fischer", "Garner", "Hobbs", "Ingram", "Jarvis", "Keller",
        "Lowe", "Mercer", "Nolan", "Ortega", "Pruitt", "Quinn", "Ramsey", "Sandoval", "Tate", "Underwood", "Vance",
        "Whitaker", "Yates", "Zimmer", "Boone", "Calloway", "Drake", "Everett", "Finch", "Greer", "Hale", "Kemp", "Lara",
    ),
    given_f=(
        "Alice", "Brenda", "Carmen", "Diane", "Elena", "Fiona", "Grace", "Hannah", "Irene", "Joan", "Karen", "Laura",
        "Monica", "Nora", "Paula", "Rosa", "Sandra", "Teresa", "Valerie", "Wendy",
    ),
    given_m=(
        "Adam", "Brian", "Carlos", "Dennis", "Edwin", "Frank", "George", "Henry", "Ivan", "Jason", "Kevin", "Leon",
        "Marcus", "Nathan", "Oscar", "Peter", "Raymond", "Steven", "Thomas", "Victor",
    ),
    name_pattern="{given} {surname}",
    regions=("Riverside", "Old Town", "Northgate", "Lakeview", "Hillcrest", "Southfield"),
    occupations={
        "public_sector": ("school teacher", "registered nurse", "civil servant", "professor"),
        "business_owner": ("shop owner", "self-employed contractor", "restaurant owner"),
        "professional": ("software engineer", "accountant", "lawyer", "project manager", "data analyst"),
        "service": ("sales clerk", "truck driver", "office clerk", "warehouse worker", "waiter"),
        "retired": ("retired",),
        "student": ("student",),
    },
    employers=(
        "NORTHFIELD FREIGHT", "LAKEVIEW HOSPITAL", "CITY SCHOOL DISTRICT", "ALDER SOFTWARE", "BRIGHTON FOODS",
        "COUNTY CLERK OFFICE", "DELTA MACHINING", "EASTGATE RETAIL", "FAIRMONT HOTELS GROUP", "GRANITE INSURANCE",
        "HARBOR LOGISTICS", "IRONWOOD BUILDERS", "JUNIPER DENTAL", "KEYSTONE MEDIA", "LINDEN PHARMACY", "MAPLE UTILITIES",
    ),
    merchants=(
        ("RESTAURANT", 0.24, 0.9), ("COFFEE SHOP", 0.14, 0.25), ("GAS STATION", 0.16, 0.9), ("ONLINE STORE", 0.2, 1.2),
        ("CLOTHING STORE", 0.08, 1.6), ("PHARMACY", 0.08, 0.6), ("HARDWARE STORE", 0.04, 1.8), ("STREAMING", 0.03, 0.3),
        ("ELECTRONICS STORE", 0.015, 6.0), ("AIRLINE TICKETS", 0.01, 8.0), ("FURNITURE STORE", 0.005, 12.0),
    ),
    words={
        "salary": "SALARY {}", "pension": "STATE PENSION", "bonus": "ANNUAL BONUS {}", "irregular": "INVOICE PAID",
        "thirteenth": "SALARY 13TH MONTH {}", "rent": "RENT {}", "power": "ELECTRICITY AND GAS", "phone": "MOBILE PHONE",
        "internet": "INTERNET AND TV", "yearly_premium": "HOME INSURANCE YEARLY PREMIUM", "grocery": "GROCERY STORE {}",
        "shop": "ONLINE SHOP {}", "atm": "ATM WITHDRAWAL", "cash_in": "CASH DEPOSIT", "fee": "ACCOUNT FEE",
        "interest": "INTEREST", "to_savings": "TO SAVINGS", "from_savings": "FROM SAVINGS", "person": "TRANSFER",
        "card_payment": "CREDIT CARD PAYMENT", "td_place": "TIME DEPOSIT PLACED", "td_paid": "TIME DEPOSIT MATURED",
        "td_broken": "TIME DEPOSIT BROKEN EARLY", "td_renewed": "TIME DEPOSIT RENEWED", "closing": "ACCOUNT CLOSED",
        "instalment": "LOAN INSTALMENT", "drawdown": "LOAN PAID OUT", "premium": "INSURANCE PREMIUM {}",
        "plan": "SAVINGS PLAN {}", "buy": "PURCHASE {}", "fx": "CURRENCY EXCHANGE {}", "card_fee": "CARD YEARLY FEE",
    },
    payees={
        "home": ("RIDGELINE HOMES DEVELOPER", "CRESTWOOD TITLE ESCROW", "MERIDIAN REAL ESTATE CLOSING"),
        "car": ("SUMMIT AUTO DEALER", "PARKWAY MOTORS DEALERSHIP"),
        "tuition": ("STATE UNIVERSITY TUITION", "HOLLIS COLLEGE TUITION"),
        "business": ("COMMERCIAL SUPPLY CO INVOICE", "FRANCHISE FEE WESTERN GRILL"),
        "family": ("TRANSFER TO SON", "TRANSFER TO SISTER"),
        "medical": ("MERCY GENERAL HOSPITAL", "ORTHOPEDIC SURGERY CENTER"),
        "competitor_rate": ("FIRST HARBOR BANK CD", "ATLAS ONLINE BANK SAVINGS"),
        "investment_elsewhere": ("TRIDENT BROKERAGE", "NORTHSTAR SECURITIES BROKER"),
        "fraud_or_scam": ("SECURE SAFE TRANSFER", "CRYPTO EXCHANGE WALLET"),
        "none_given": ("TRANSFER", "CASH WITHDRAWAL"),
        "home_sale": ("CRESTWOOD TITLE ESCROW PROCEEDS",),
        "gift_or_inheritance": ("ESTATE DISTRIBUTION", "GIFT FROM PARENTS"),
        "insurance_payout": ("GRANITE INSURANCE CLAIM",),
    },
)

CHINA = Market(
    currency="CNY",
    time_zone="Asia/Shanghai",
    median_income=130_000,
    pay_cycles=(0.96, 0.04, 0.0),
    round_to=1000,
    fx={"USD": (7.3, 7.01), "EUR": (7.56, 8.22), "HKD": (0.939, 0.9)},
    fx_from=date(2025, 1, 1),
    holidays=frozenset({
        "01-01", "05-01", "10-01", "2025-01-28", "2025-01-29", "2025-01-30", "2025-01-31", "2025-02-03", "2025-02-04",
        "2026-02-16", "2026-02-17", "2026-02-18", "2026-02-19", "2026-02-20",
    }),
    surnames=("王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭"),
    given_f=("芳", "娜", "秀英", "敏", "静", "丽", "艳", "娟", "霞", "燕", "玲", "雪梅", "婷", "慧", "欣怡", "雨桐"),
    given_m=("伟", "强", "磊", "军", "洋", "勇", "杰", "涛", "明", "超", "刚", "平", "辉", "鹏", "浩然", "子轩"),
    name_pattern="{surname}{given}",
    regions=("浦东", "徐汇", "静安", "杨浦", "闵行", "宝山", "嘉定", "松江"),
    occupations={
        "public_sector": ("公务员", "教师", "医生", "护士"),
        "business_owner": ("个体户", "企业主"),
        "professional": ("工程师", "律师", "会计", "经理"),
        "service": ("店员", "司机", "销售", "工人"),
        "retired": ("退休",),
        "student": ("学生",),
    },
    employers=(
        "东方物流", "浦江软件", "海达机械", "中环零售", "华安保险", "市第一医院", "实验中学", "申城地铁", "锦程酒店", "明珠食品",
        "长江建设", "云帆科技", "新民传媒", "和平药房", "绿地物业", "启明教育",
    ),
    merchants=(
        ("餐饮", 0.34, 0.7), ("咖啡奶茶", 0.16, 0.3), ("加油站", 0.06, 2.0), ("网上商城", 0.22, 1.2), ("服装", 0.07, 2.0),
        ("药店", 0.06, 0.7), ("打车出行", 0.06, 0.4), ("数码家电", 0.015, 12.0), ("机票酒店", 0.012, 10.0), ("家具", 0.003, 20.0),
    ),
    words={
        "salary": "工资 {}", "pension": "养老金", "bonus": "年终奖 {}", "irregular": "货款", "thirteenth": "第十三月工资 {}",
        "rent": "房租 {}", "power": "电费燃气费", "phone": "手机话费", "internet": "宽带", "yearly_premium": "年缴保费",
        "grocery": "超市 {}", "shop": "网购 {}", "atm": "ATM取款", "cash_in": "现金存款", "fee": "账户服务费",
        "interest": "利息", "to_savings": "转存储蓄", "from_savings": "储蓄转出", "person": "转账",
        "card_payment": "信用卡还款", "td_place": "定期存入",
        "td_paid": "定期到期", "td_broken": "定期提前支取", "td_renewed": "定期续存", "closing": "销户", "instalment": "贷款还款",
        "drawdown": "贷款放款", "premium": "保费 {}", "plan": "定投 {}", "buy": "申购 {}", "fx": "结售汇 {}",
        "card_fee": "信用卡年费",
    },
    payees={
        "home": ("锦绣房地产开发 购房款", "房屋交易资金托管"),
        "car": ("宏达汽车4S店", "远景汽车销售"),
        "tuition": ("国际学校学费", "大学学费"),
        "business": ("货款 建材批发", "加盟费"),
        "family": ("转给儿子", "转给父母"),
        "medical": ("仁济医院住院费", "手术押金"),
        "competitor_rate": ("转他行定期", "转他行大额存单"),
        "investment_elsewhere": ("银证转账 证券", "基金公司申购"),
        "fraud_or_scam": ("安全账户", "虚拟币充值"),
        "none_given": ("转账", "取现"),
        "home_sale": ("售房款 资金托管",),
        "gift_or_inheritance": ("遗产继承", "父母赠与"),
        "insurance_payout": ("保险理赔款",),
    },
)
